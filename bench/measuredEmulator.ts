/* The emulator as a process of its own: its CPU time must not count as the provider's. Ends with its standard input. */
import { startEmulator } from "../emulator";
import type { EmulatorReady } from "./emulatorClient";

async function main(): Promise<void> {
  const { endpoint, port, accounts, names, close } = await startEmulator({
    control: true,
    storage: process.argv.includes("--names"),
  });
  const ready: EmulatorReady = { endpoint, port, token: accounts[0].tokens.fullAccess, ...(names && { names }) };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  process.stdin.resume().on("end", () => void close().then(() => process.exit(0)));
}

void main();
