/* The plugin's process, as the engine starts it: `pulumi-resource-borgbase [OPTIONS] [ENGINE_ADDRESS]`. */
import { flushCompileCache } from "node:module";
import { EngineLog } from "./engineLog";
import { exitWithEngine } from "./engineWatch";
import { servePlugin } from "./plugin";

async function main(): Promise<void> {
  const log = new EngineLog();
  // Absent where a person starts the plugin to attach it.
  const address = process.argv.slice(2).find((each) => /^127\.0\.0\.1:\d+$/.test(each));
  if (address !== undefined) log.connect(address);
  const { port, finish } = await servePlugin(log);
  // The engine's signal at the end of every command: it waits for the end of this process, at most five seconds. Ctrl+C in a
  // terminal reaches the engine alone, as a plugin has a process group of its own.
  process.once("SIGINT", () => void finish().then(() => process.exit()));
  // The engine reads the port from the first line.
  process.stdout.write(`${port}\n`);
  // The engine kills the plugin, and Node.js saves its compiled code at a normal end only. Absent before Node.js 22.10.
  setImmediate(() => flushCompileCache?.());
  exitWithEngine(address === undefined ? undefined : Number(address.split(":")[1]));
}

void main();
