import * as borgbase from "pulumi-borgbase";

/** Hosts with less than a tenth of their space left. */
export const crowded = borgbase.borgui
  .getConnectionsOutput()
  .apply((connections) =>
    connections.filter(({ storage }) => (storage?.percentUsed ?? 0) > 90).map(({ host }) => host),
  );
