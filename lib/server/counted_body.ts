/** Counting the bytes of a Response that somebody else made, for the access log. */

/**
 * `response` with a body that tells `finish` its status and how many bytes went out when it ends, however it ends.
 * A body whose length is known is taken to arrive.
 */
export function countedBody(
  response: Response,
  method: string,
  finish: (status: number, bytes: number) => void,
): Response {
  const { status, headers } = response;
  const length = headers.get("content-length");
  // One that is in memory would become a stream, and lose its length, by being looked into.
  if (method === "HEAD" || length !== null || response.body === null) {
    finish(status, method === "HEAD" ? 0 : Number(length));
    return response;
  }
  const reader = response.body.getReader();
  let bytes = 0;
  let open = true;
  const end = () => {
    if (open) finish(status, bytes);
    open = false;
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = await reader.read();
        if (done) {
          end();
          controller.close();
        } else {
          bytes += value.length;
          controller.enqueue(value);
        }
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return new Response(body, { status, headers });
}
