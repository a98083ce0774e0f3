import { messageOf, ProviderError } from "../errors";
import { QuietError } from "./dynamicHostInternals";

/** Shows an expected error as its message alone, without a stack. */
export async function withExpectedErrors<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof ProviderError) throw new QuietError(messageOf(error));
    throw error;
  }
}
