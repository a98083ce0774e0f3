import { dirname, sep } from "node:path";

/**
 * Until the returned function is called, stack traces are none, or, where the SDK asks for a whole one, that of the program
 * alone. The SDK keeps the trace of each resource in the state, half of it frames of Node and Pulumi, and takes four more per
 * output as a debugging aid, of which ts-node maps each frame: that was half of a program's time and a fifth of its state.
 */
export function tellProgramFramesAlone(): () => void {
  const { stackTraceLimit, prepareStackTrace } = Error;
  Error.stackTraceLimit = 0;
  Error.prepareStackTrace = (error, frames) => {
    const program = frames.filter(isOfProgram);
    const text = prepareStackTrace
      ? String(prepareStackTrace(error, program))
      : [String(error), ...program.map((frame) => `    at ${frame}`)].join("\n");
    const [head, ...lines] = text.split("\n");
    return [head, ...SDK_FRAMES, ...lines].join("\n");
  };
  return () => {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  };
}

/** The SDK leaves out as many, taking them for its own and the resource's constructor. */
const SDK_FRAMES = Array<string>(5).fill("    at pulumi");

const OTHERS = [__dirname, dirname(require.resolve("@pulumi/pulumi/package.json"))].map((folder) => folder + sep);

function isOfProgram(frame: NodeJS.CallSite): boolean {
  const file = frame.getFileName()?.replace("file://", "");
  return file !== undefined && !file.startsWith("node:") && !OTHERS.some((folder) => file.startsWith(folder));
}
