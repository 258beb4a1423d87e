/** The methods that paths of a share have; who may use them is another matter. */

export const ALLOWED =
  "OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, UNLOCK";
