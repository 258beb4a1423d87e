/** Ferry's own version, as `--version`, `Server` logs and the sync API give it. */
export const VERSION = "0.1.0";
