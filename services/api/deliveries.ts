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

/** Where a user is as an agent: nobody is there whose token does not say so. */
const agentRoomOf = (userId: string): string => `agent:${userId}`;

export const roomsOf = (caller: Caller): string[] => [
  roomOf(caller.id),
  ...(isAgent(caller) ? [AGENTS, agentRoomOf(caller.id)] : []),
];

function roomsFor(to: Delivery["to"], usersHere: () => string[]): string[] {
  if ("users" in to) return to.users.map(roomOf);
  const { except = [], only } = to;
  if (only) return only.map(agentRoomOf);
  if (except.length === 0) return [AGENTS];
  const excepted = new Set(except);
  return usersHere().flatMap((userId) => (excepted.has(userId) ? [] : agentRoomOf(userId)));
}

/** Passes what every gateway hears to the clients that are connected to this one; `usersHere` are whose those are. */
export function deliver(
  outlets: Outlet[],
  { to, event, payload, volatile = false }: Delivery,
  usersHere: () => string[],
): void {
  const rooms = roomsFor(to, usersHere);
  // Socket.IO takes no room at all for everybody.
  if (rooms.length === 0) return;
  for (const outlet of outlets) outlet.emit(rooms, event, payload, volatile);
}
