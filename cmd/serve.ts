import { defineCommand } from "../lib/cli/command.ts";
export const serve = defineCommand({
  name: "serve",
  summary: "x",
  usage: ["serve"],
  flags: {},
  args: { min: 0, max: 9 },
  examples: [],
  exits: [0],
  run() {
    return Promise.resolve(0);
  },
});
