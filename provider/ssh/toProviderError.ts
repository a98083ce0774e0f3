import { type Failure, ProviderError } from "../errors";
import { SshError } from "./error";

/** Runs an SSH operation and translates its errors to the provider's. The only place of this translation. */
export async function asProviderErrors<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    throw new ProviderError(error.kind === "input" ? "input" : "host", error.message, { cause: error });
  }
}

/**
 * The failures of an argument that `read` cannot parse.
 * @param property the argument to name when the error names none
 */
export function failuresOf(property: string, read: () => void): Failure[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    return [{ property: error.property ?? property, reason: error.message }];
  }
}
