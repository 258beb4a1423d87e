/** Who is told of the bytes of one body, as they are waited for and as they come. */
export interface Flow {
  /** The peer has to send, or to take, the next bytes. */
  wait(): void;
  /** So many bytes came. What it returns is awaited before the next ones are asked for. */
  moved(bytes: number): void | Promise<void>;
  /** How many bytes to ask for at once, at most `most`. */
  piece(most: number): number;
}
