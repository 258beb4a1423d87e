import { defineCommand } from "../lib/cli/command.ts";
export const sync = defineCommand({
  name: "sync",
  summary: "x",
  usage: ["sync"],
  flags: {},
  args: { min: 0, max: 9 },
  examples: [],
  exits: [0],
  run() {
    return Promise.resolve(0);
  },
});
