import { GraphQLError } from "graphql";

/** Limit in characters. The real API's limit is unknown; 255 is a common column size of its kind of database. */
const MAX_NAME_LENGTH = 255;

/**
 * Returns the name of a key or repository.
 *
 * @throws GraphQLError for a blank or too long name, or one with control characters.
 */
export function checkName(name: string): string {
  if (!name.trim()) throw new GraphQLError("Name is required.");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are rejected here
  if (/[\0-\x1f\x7f]/.test(name)) throw new GraphQLError("Invalid name: control characters are not allowed.");
  if ([...name].length > MAX_NAME_LENGTH)
    throw new GraphQLError(`Invalid name: more than ${MAX_NAME_LENGTH} characters.`);
  return name;
}
