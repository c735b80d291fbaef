import { ItemsOf, OneOf, type Static, Timestamp, Type } from "../../lib/schema";
import { ActionFigures, ActionSettings } from "../../mixins/operations.schema";

const NodeView = Type.Object({
  id: Type.String(),
  hostname: Type.String(),
  state: OneOf("starting", "running", "draining", "offline"),
  version: Type.String(),
  services: Type.Array(Type.String()),
  uptime: Type.Integer({ minimum: 0, description: "seconds" }),
  cpu: Type.Union([Type.Number(), Type.Null()], { description: "percent of its machine; null until it is measured" }),
  lastHeartbeat: Timestamp,
});

const ActionView = Type.Object({
  name: Type.String(),
  ...ActionSettings,
  nodes: Type.Array(
    Type.Object({
      id: Type.String(),
      ...ActionFigures,
      circuit: OneOf("closed", "half-open", "open"),
      circuitOpenFor: Type.Array(Type.String(), { description: "the nodes that do not ask this one for the action" }),
    }),
    { description: "those that answered in time" },
  ),
});

const ServiceView = Type.Object({
  name: Type.String(),
  version: Type.String(),
  nodes: Type.Array(Type.String()),
  actions: Type.Array(ActionView),
});

export const NodeViews = ItemsOf(NodeView);
export const ServiceViews = ItemsOf(ServiceView);
export type NodeView = Static<typeof NodeView>;
export type ActionView = Static<typeof ActionView>;
export type ServiceView = Static<typeof ServiceView>;
