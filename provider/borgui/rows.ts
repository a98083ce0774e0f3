import { ProviderError } from "../errors";
import { Collection } from "../remote/collection";
import type { CreateOutcome, CreateRequest } from "../remote/createRecovery";

/** A row to create, and how to recognise it. */
interface NewRow<Row> {
  name: string;
  /** What identifies the row in the record of a pending create. Contains no secret. Default: the name. */
  args?: { name: string } & Record<string, string>;
  matches(row: Row): boolean;
  /** Throws where a row that is there already is in the way. */
  assertFree(all: Row[]): void;
  origin: string | undefined;
  /** Sends the create; `find` looks up its row after a lost answer. */
  send: CreateRequest<Row, { name: string }>["send"];
}

/** All rows of one type at a Borg UI server. */
export abstract class Rows<Row extends { id: string; name: string }> extends Collection<Row> {
  /** Deleting a row deletes no archive, so that one of an interrupted run may be adopted or discarded. */
  protected createRow(row: NewRow<Row>): Promise<CreateOutcome<Row>> {
    const { name, args = { name }, matches, assertFree, origin, send } = row;
    return this.recovery.run({
      origin,
      name,
      args,
      matches,
      isUnused: () => true,
      isAdoptable: matches,
      discard: ({ id }) => this.delete(id),
      send: async (find, wasSent) => {
        assertFree(await this.refetchCoalesced());
        return send(find, wasSent);
      },
    });
  }

  protected async findListed(id: string): Promise<Row | undefined> {
    return (await this.refetchCoalesced()).find((row) => row.id === id);
  }

  /**
   * The row that the server claims to have: its answer alone proves nothing.
   * @param what kind and name, for example `the SSH key "web"`
   * @throws `answer` where the list lacks it
   */
  protected async readBack(id: string, what: string): Promise<Row> {
    const found = await this.findListed(id);
    if (found) return found;
    throw new ProviderError("answer", `Borg UI said that it has ${what} (${id}), and does not list it.`);
  }
}
