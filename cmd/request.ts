import { defineCommand } from "../lib/cli/command.ts";
export const request = defineCommand({
  name: "request",
  summary: "x",
  usage: ["request"],
  flags: {},
  args: { min: 0, max: 9 },
  examples: [],
  exits: [0],
  run() {
    return Promise.resolve(0);
  },
});
