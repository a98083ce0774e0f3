import { type DocumentNode, Kind, type SelectionSetNode } from "graphql";

/** Far above the documents of known clients, of which the largest, an introspection, costs about 4,000. */
const MOST = 100_000;

/** Validation compares every two fields of one name, and so takes time that is square to their number. */
const MOST_PAIRS = 200_000;

const DEEPEST = 50;

/** What one object of the introspection answers for: anyone may ask for it, and lists within lists multiply. */
const LISTS: Record<string, number> = {
  types: 30,
  possibleTypes: 5,
  interfaces: 5,
  fields: 10,
  inputFields: 5,
  args: 5,
  enumValues: 5,
  directives: 5,
};

/** Fields that share a path of response names, as validation puts them side by side. */
interface Place {
  fields: number;
  below: Map<string, Place>;
}

/**
 * What is wrong with a document that would cost more than its size allows: fragments that spread others several times,
 * introspection within introspection, one field a thousand times. Itself costs no more than the limit.
 */
export function whyTooCostly(document: DocumentNode): string | undefined {
  const fragments = new Map(
    document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  const open = new Set<string>();
  let cost = 0;
  let pairs = 0;

  function walk({ selections }: SelectionSetNode, place: Place, weight: number, depth: number): string | undefined {
    if (depth > DEEPEST) return "The query is nested too deeply.";
    for (const node of selections) {
      cost += weight;
      if (cost > MOST) return "The query is too complex.";
      let problem: string | undefined;
      if (node.kind === Kind.FIELD) {
        const name = (node.alias ?? node.name).value;
        const own = place.below.get(name) ?? { fields: 0, below: new Map() };
        place.below.set(name, own);
        pairs += own.fields++;
        if (pairs > MOST_PAIRS) return "The query asks for one field too often.";
        const share = LISTS[node.name.value] ?? 1;
        problem = node.selectionSet && walk(node.selectionSet, own, weight * share, depth + 1);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        problem = walk(node.selectionSet, place, weight, depth + 1);
      } else {
        const name = node.name.value;
        const fragment = fragments.get(name);
        // One that spreads itself is refused by validation, in GraphQL's own words.
        if (!fragment || open.has(name)) continue;
        open.add(name);
        problem = walk(fragment.selectionSet, place, weight, depth + 1);
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
