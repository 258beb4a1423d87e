/** The thread that writes for a run: a writer whose calls come as messages (messages.ts). */
import { packError } from "../../core/packed_error.ts";
import { careFor } from "./care.ts";
import { Stage } from "./stage.ts";
import { FirstCopyWriter } from "./first_copy.ts";
import {
  packOutcomes,
  unpackFrames,
  unpackOperations,
  type WriterAnswer,
  type WriterCall,
  type WriterStart,
} from "./messages.ts";

/** The part of a worker's global scope that this uses. */
interface Scope {
  name: string;
  onmessage: ((event: MessageEvent<WriterCall>) => void) | null;
  postMessage(answer: WriterAnswer, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;

/** The name of the thread says what it is to do. */
const { root, safety }: WriterStart = JSON.parse(scope.name);
const writer = new FirstCopyWriter(root, new Stage(root), careFor(root, safety));

scope.onmessage = ({ data }) => {
  answer(data).catch((error) => post({ kind: "failed", id: data.id, error: packError(error) }));
};

async function answer(call: WriterCall): Promise<void> {
  const { id } = call;
  switch (call.call) {
    case "stage": {
      const { frames, paths } = unpackFrames(call.frames);
      const outcomes = packOutcomes(await writer.stage(frames, paths));
      return post({ kind: "outcomes", id, outcomes, buffers: call.frames.buffers }, call.frames.buffers);
    }
    case "commit": {
      const outcomes = packOutcomes(await writer.commit(unpackOperations(call.operations)));
      return post({ kind: "outcomes", id, outcomes, buffers: [] });
    }
    case "begin":
      return post({ kind: "place", id, place: writer.beginContent(call.index, call.meta, call.path) });
    case "end":
      writer.endContent(call.index, call.end);
      return post({ kind: "outcomes", id, outcomes: packOutcomes([]), buffers: [] });
    case "resumable":
      return post({ kind: "size", id, size: await writer.resumable(call.version) });
    case "finish":
      await writer.finish();
      return post({ kind: "outcomes", id, outcomes: packOutcomes([]), buffers: [] });
    case "close":
      return post({ kind: "closed", id, problems: await writer.close(call.options) });
  }
}

function post(answer: WriterAnswer, transfer: Transferable[] = []): void {
  scope.postMessage(answer, transfer);
}
