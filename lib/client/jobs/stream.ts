/** As an AsyncIterable, but what is known is given at once: a promise for each of many would cost more than its making. */
export interface Stream<T> {
  [Symbol.asyncIterator](): {
    next(): IteratorResult<T> | Promise<IteratorResult<T>>;
    return?(): unknown;
  };
}
