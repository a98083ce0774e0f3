/* The emulator as a process of its own: its CPU time must not count as the provider's. Ends with its standard input. */
import { startEmulator } from "../emulator";

async function main(): Promise<void> {
  const { endpoint, port, accounts } = await startEmulator({ control: true });
  process.stdout.write(`${JSON.stringify({ endpoint, port, token: accounts[0].tokens.fullAccess })}\n`);
  process.stdin.resume().on("end", () => process.exit(0));
}

void main();
