import { type Failure, ProviderError } from "../errors";
import { SshError } from "./error";

/** SSH has kinds of errors of its own. Here, and nowhere else, they become those of the provider. */
export async function asProviderErrors<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    throw new ProviderError(error.kind === "input" ? "input" : "host", error.message, { cause: error });
  }
}

/** What is wrong with an argument that `read` cannot read. `property` is the one to name where the error names none. */
export function failuresOf(property: string, read: () => void): Failure[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    return [{ property: error.property ?? property, reason: error.message }];
  }
}
