import { JobStack } from "./backupJob";

/** Runs on a test host: makes a job of the machine itself, reads it, and prints what a preview then names. */
async function main(): Promise<void> {
  const { name, args, destroy } = JSON.parse(Buffer.from(process.argv[2] ?? "", "base64").toString());
  const stack = new JobStack(name, args);
  await stack.up();
  const named = await stack.refresh();
  if (destroy) await stack.destroy();
  console.log(JSON.stringify({ named, status: stack.state?.status }));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
