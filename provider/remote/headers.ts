/**
 * Header fields by name, in any case. The bundles use them for the global `Headers`, as Node's own loads its whole `fetch`:
 * 30 ms of CPU time in every command.
 */
export class Headers extends Map<string, string> {
  constructor(init: Iterable<[string, string]> | Record<string, string> = {}) {
    super();
    for (const [name, value] of Symbol.iterator in init ? init : Object.entries(init)) this.set(name, value);
  }

  override get(name: string): string | undefined {
    return super.get(name.toLowerCase());
  }

  override has(name: string): boolean {
    return super.has(name.toLowerCase());
  }

  override set(name: string, value: string): this {
    return super.set(name.toLowerCase(), value);
  }
}
