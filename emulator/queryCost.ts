import { type DocumentNode, Kind, type SelectionSetNode } from "graphql";

/** Limit of a document's cost. The largest document of known clients, an introspection, costs about 4,000. */
const MAX_COST = 100_000;

/** Limit of field pairs: validation compares every pair of fields with the same response path. */
const MAX_PAIRS = 200_000;

const MAX_DEPTH = 50;

/** Assumed lengths of the introspection's lists: anyone may query it, and nested lists multiply. */
const LIST_LENGTHS: Record<string, number> = {
  types: 30,
  possibleTypes: 5,
  interfaces: 5,
  fields: 10,
  inputFields: 5,
  args: 5,
  enumValues: 5,
  directives: 5,
};

/** Fields with the same response path, which validation compares with each other. */
interface ResponsePath {
  fields: number;
  below: Map<string, ResponsePath>;
}

/**
 * The reason to reject a document that is too expensive for its size. Examples are fragments that spread others several
 * times, nested introspection, or one field a thousand times. The check itself ends at the limit.
 */
export function complexityError(document: DocumentNode): string | undefined {
  const fragments = new Map(
    document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  const open = new Set<string>();
  let cost = 0;
  let pairs = 0;

  function walk(
    { selections }: SelectionSetNode,
    path: ResponsePath,
    weight: number,
    depth: number,
  ): string | undefined {
    if (depth > MAX_DEPTH) return "The query is nested too deeply.";
    for (const node of selections) {
      cost += weight;
      if (cost > MAX_COST) return "The query is too complex.";
      let problem: string | undefined;
      if (node.kind === Kind.FIELD) {
        const name = (node.alias ?? node.name).value;
        const own = path.below.get(name) ?? { fields: 0, below: new Map() };
        path.below.set(name, own);
        pairs += own.fields++;
        if (pairs > MAX_PAIRS) return "The query asks for one field too often.";
        const share = LIST_LENGTHS[node.name.value] ?? 1;
        problem = node.selectionSet && walk(node.selectionSet, own, weight * share, depth + 1);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        problem = walk(node.selectionSet, path, weight, depth + 1);
      } else {
        const name = node.name.value;
        const fragment = fragments.get(name);
        // A fragment that spreads itself is rejected by validation, with GraphQL's own message.
        if (!fragment || open.has(name)) continue;
        open.add(name);
        problem = walk(fragment.selectionSet, path, weight, depth + 1);
        open.delete(name);
      }
      if (problem) return problem;
    }
    return undefined;
  }

  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
    const problem = walk(definition.selectionSet, { fields: 0, below: new Map() }, 1, 0);
    if (problem) return problem;
  }
  return undefined;
}
