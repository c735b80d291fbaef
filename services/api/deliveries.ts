import type { Caller } from "../../lib/actions";
import type { ClientEvent, Delivery } from "./api.contract";

/** What a client may hear: events of other contexts, and the gateway's own. */
export type EventName = ClientEvent | "chat.heads" | "session.ended" | "resync";

/** One way to the clients that are connected here. */
export interface Outlet {
  emit(rooms: string[], event: EventName, payload: object, volatile: boolean): void;
}

const AGENTS = "role:agent";
export const roomOf = (userId: string): string => `user:${userId}`;

/** Whoever helps customers, as an agent or as an admin. */
export const isAgent = ({ roles }: Caller): boolean => roles.includes("agent") || roles.includes("admin");

export const roomsOf = (caller: Caller): string[] => [roomOf(caller.id), ...(isAgent(caller) ? [AGENTS] : [])];

/** Passes what every gateway hears to the clients that are connected to this one. */
export function deliver(outlets: Outlet[], { to, event, payload, volatile = false }: Delivery): void {
  const rooms = "role" in to ? [AGENTS] : to.users.map(roomOf);
  // Socket.IO takes no room at all for everybody.
  if (rooms.length === 0) return;
  for (const outlet of outlets) outlet.emit(rooms, event, payload, volatile);
}
