import type { ActionEndpoint, Context } from "moleculer";

/** Where else the action of a call to another node can be asked for now; not here, as such a call goes over the network. */
export function otherNodes({ broker, nodeID, action }: Context): ActionEndpoint[] {
  const found = broker.registry.actions.get(action?.name ?? "") as { endpoints: ActionEndpoint[] } | undefined;
  const isAvailable = (endpoint: ActionEndpoint) => (endpoint as { isAvailable?: boolean }).isAvailable;
  return found?.endpoints.filter((one) => one.id !== nodeID && !one.local && isAvailable(one)) ?? [];
}
