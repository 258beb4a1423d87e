/** Where the bytes of a download in segments go, in whatever order they come. */
export interface SegmentStore {
  /** Bytes are taken up to here; more when the first ones have gone out. */
  readonly before: number;
  /** Takes all of `bytes`, which begin at `at`; the buffer is the caller's again afterwards. */
  write(at: number, bytes: Uint8Array): void;
}
