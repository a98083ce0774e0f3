import { once } from "../once";

/*
 * Pulumi's dynamic host hands a deletion on with the object's id and outputs alone. The engine's request names the resource
 * too, and asks for what the program says of it now. The host calls `prov.delete(req.getId(), props)` (`@pulumi/pulumi`
 * 3.270, `cmd/dynamic-provider/index.js`), so the last request that was asked for its id is the one that is handed on.
 * A host that does it otherwise leaves deletions without a name, and the state alone decides about them.
 */

interface DeleteRequest {
  getId(): string;
  getUrn(): string;
}

let last: DeleteRequest | undefined;

/** Watches the requests of the host's own copy of Pulumi's protocol, wherever a package manager has put it. */
export const watchDeletions = once(() => {
  for (const [path, loaded] of Object.entries(require.cache)) {
    if (!/[\\/]@pulumi[\\/]pulumi[\\/]proto[\\/]provider_pb\.js$/.test(path)) continue;
    const prototype = loaded?.exports?.DeleteRequest?.prototype as DeleteRequest | undefined;
    if (typeof prototype?.getId !== "function" || typeof prototype.getUrn !== "function") continue;
    const { getId } = prototype;
    prototype.getId = function (this: DeleteRequest) {
      last = this;
      return getId.call(this);
    };
  }
});

/** `STACK/NAME` of the resource whose object the host has deleted at this moment, where that can be known. */
export function originOfDeletion(id: string): string | undefined {
  const request = last?.getId() === id ? last : undefined;
  last = undefined;
  if (!request) return undefined;
  // `urn:pulumi:STACK::PROJECT::TYPE::NAME`, and a name may hold anything.
  const [stack, , , ...name] = request.getUrn().replace("urn:pulumi:", "").split("::");
  return name.length > 0 ? `${stack}/${name.join("::")}` : undefined;
}
