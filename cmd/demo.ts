import { defineCommand } from "../lib/cli/command.ts";
export const demo = defineCommand({
  name: "demo",
  summary: "x",
  usage: ["demo"],
  flags: {},
  args: { min: 0, max: 9 },
  examples: [],
  exits: [0],
  run() {
    return Promise.resolve(0);
  },
});
