/** The version of the sync API and the bounds that both sides hold each other to, before anything is allocated. */

/** The protocol version, as it stands in the path (`/.ferry/v1/`) and in the `info` message. */
export const PROTOCOL = 1;

/** Where the API lives on a server, without the slash at its end. */
export const API_PATH = `/.ferry/v${PROTOCOL}`;

/** A file up to this size travels in a pack with others; a larger one is streamed by itself. */
export const SMALL_FILE_BYTES = 1024 * 1024;

/**
 * Content that one pack aims at, and files. Small packs keep both sides busy: the next ones lie in the buffers of the
 * sockets while one is written.
 */
export const PACK_BYTES = 2 * 1024 * 1024;

/** Files that one pack aims at. */
export const PACK_FILES = 300;

/** Files that may be asked for in one pack. */
export const MAX_PACK_FILES = 1000;

/** Files whose hashes may be asked for in one call. */
export const MAX_HASHED_FILES = 10_000;

/** The largest pack that either side accepts: content, one file that grew, and the frames around them. */
export const MAX_PACK_BYTES = 16 * 1024 * 1024;

/** The largest JSON message (a request for a pack, a commit). */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Values in a JSON message: the fields of as many operations as there may be. */
export const MAX_MESSAGE_VALUES = 2 ** 18;

/** A message under gzip of more than so many bytes may not be so many times larger than what travels. */
export const GZIP_FREE_BYTES = 1024 * 1024;
export const MAX_GZIP_RATIO = 100;

/** The same for a tree. */
export const GZIP_FREE_TREE_BYTES = 16 * 1024 * 1024;

/** The largest message that says who begins a push. */
export const MAX_HOLDER_BYTES = 16 * 1024;

/** The largest answer to a small message, the outcomes of a commit among them. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Operations in one commit. */
export const MAX_OPERATIONS = 10_000;

/** One line of a tree: a folder with 200,000 long names fits. */
export const MAX_TREE_LINE_BYTES = 64 * 1024 * 1024;

/** Values in one line of a tree: 600,000 entries. */
export const MAX_TREE_LINE_VALUES = 2 ** 22;

/** Paths in one tree. */
export const MAX_TREE_ENTRIES = 20_000_000;

/** How often a server that works on a tree for long says so, and how often in a row it may: twelve hours. */
export const HEARTBEAT_MS = 10_000;
export const MAX_HEARTBEATS = 12 * 3600 * 1000 / HEARTBEAT_MS;

/** Changes in one answer of `changes`. */
export const MAX_CHANGES = 10_000;
