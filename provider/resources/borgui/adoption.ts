import { ProviderError } from "../../errors";
import { differences } from "../../lifecycle/compare";
import type { Fields } from "../../lifecycle/resource";

/** The lines that a preview shows of an adoption: what the deployment will change. */
export async function adoptionLines<Inputs extends object, State extends object>(
  what: string,
  fields: Fields<Inputs>,
  inputs: Partial<Inputs>,
  actual: State,
  unknown: ReadonlySet<string>,
): Promise<string[]> {
  const changed = await differences(fields, inputs as Inputs, actual);
  const isSecret = (name: keyof Inputs) => fields[name]?.secret === true;
  const lines = [
    ...changed.map((name) => {
      if (isSecret(name)) return `  ${name}: [secret]`;
      return `  ${name}: ${show(actual[name as string as keyof State])} => ${show(inputs[name])}`;
    }),
    ...[...unknown].map((name) => `  ${name}: not known before the deployment`),
  ];
  return [`takes over the ${what}; it changes ${lines.length > 0 ? "" : "nothing of it"}`.trim(), ...lines];
}

/**
 * Verifies that what only a new object could change is as the program says.
 * @throws `refused`
 */
export async function assertUnchangeable<Inputs extends object, State extends object>(
  what: string,
  fields: Fields<Inputs>,
  inputs: Partial<Inputs>,
  actual: State,
): Promise<void> {
  const changed = await differences(fields, inputs as Inputs, actual);
  for (const name of changed.filter((each) => fields[each]?.forceNew)) {
    const [is, wanted] = fields[name]?.secret
      ? ["another value", "the one of the program"]
      : [show(actual[name as string as keyof State]), show(inputs[name])];
    throw new ProviderError(
      "refused",
      `The ${what} to take over has ${name} ${is}, which cannot be changed, and the program says ${wanted}.`,
    );
  }
}

/**
 * Verifies that a change was made: Borg UI answers success to what it ignores.
 * @throws `answer`
 */
export async function assertMade<Inputs extends object, State extends object>(
  what: string,
  fields: Fields<Inputs>,
  inputs: Inputs,
  actual: State,
): Promise<void> {
  const left = await differences(fields, inputs, actual);
  if (left.length === 0) return;
  throw new ProviderError(
    "answer",
    `Borg UI said that it changed the ${what}, and did not: ${left.join(", ")} ${left.length === 1 ? "is" : "are"} as before.`,
  );
}

function show(value: unknown): string {
  return value === undefined || value === "" ? "none" : JSON.stringify(value);
}
