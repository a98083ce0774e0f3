import { clearLine, cursorTo } from "node:readline";
import { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { cut } from "./text";

/** The parts of a standard stream that tell whether a person reads it. */
type Output = Pick<NodeJS.WriteStream, "write"> & Partial<WriteStream>;

export type Style = Parameters<typeof styleText>[0];

/**
 * Whether texts for this stream may have colours: at a terminal, unless `NO_COLOR`, `NODE_DISABLE_COLORS` or `TERM=dumb`
 * is set. `FORCE_COLOR` decides before all of them, also for a pipe or a file; 0 means none.
 */
export function hasColours(stream: Output = process.stdout): boolean {
  // Node's own rules, which styleText alone follows since 22.8 only.
  const forced = process.env.FORCE_COLOR !== undefined;
  if (!forced && !stream.isTTY) return false;
  return WriteStream.prototype.getColorDepth() > 2;
}

/** The text in a style of Node's `util.styleText`, or as it is where the stream gets no colours. */
export function styled(style: Style, text: string, stream: Output = process.stdout): string {
  return hasColours(stream) ? styleText(style, text, { validateStream: false }) : text;
}

/** Replaces the text of a progress line. */
export type Step = (text: string) => void;

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_TIME = 100;

/**
 * Runs work that takes long, with a progress line on standard error: its present step and its seconds. The line is gone at
 * the end, whatever the outcome. No terminal, no line.
 * @param first text of the first step, for example `Reading the account`
 */
export async function withProgress<T>(
  first: string,
  work: (step: Step) => Promise<T>,
  stream: Output = process.stderr,
): Promise<T> {
  if (!stream.isTTY || process.env.TERM === "dumb") return work(() => {});
  const line = stream as WriteStream;
  const started = Date.now();
  let text = first;
  const draw = () => {
    // A terminal without a size has 0. A line that is wider than the terminal could not be removed again.
    const width = (line.columns || 80) - " ⠋ 9999 s".length;
    const elapsed = Date.now() - started;
    const frame = FRAMES[Math.floor(elapsed / FRAME_TIME) % FRAMES.length] ?? "";
    cursorTo(line, 0);
    line.write(`${styled("cyan", frame, line)} ${cut(text, width, "")} ${Math.floor(elapsed / 1000)} s`);
    clearLine(line, 1);
  };
  const timer = setInterval(draw, FRAME_TIME);
  draw();
  try {
    return await work((next) => {
      text = next;
      draw();
    });
  } finally {
    clearInterval(timer);
    cursorTo(line, 0);
    clearLine(line, 0);
  }
}
