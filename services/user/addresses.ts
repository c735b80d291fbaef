import { conflict, notFound } from "../../lib/errors";
import type { Address } from "./user.schema";

export const MAX_ADDRESSES = 20;

export type NewAddress = Omit<Address, "isDefault"> & { isDefault?: boolean };
/** Fields to change; null removes an optional one. */
export type AddressChange = Partial<{ [F in keyof Omit<Address, "id">]: Address[F] | null }>;

/** The list with exactly one default as long as there is an address: `preferred` where it is in it, else the first. */
function withDefault(addresses: Address[], preferred: string | undefined): Address[] {
  const chosen = addresses.find(({ id }) => id === preferred) ?? addresses[0];
  return addresses.map((address) => ({ ...address, isDefault: address === chosen }));
}

const defaultOf = (addresses: Address[]) => addresses.find(({ isDefault }) => isDefault)?.id;

/** Throws 404 ADDRESS_NOT_FOUND. */
export function findAddress(addresses: Address[], id?: string): Address {
  const address = addresses.find((candidate) => (id === undefined ? candidate.isDefault : candidate.id === id));
  if (!address) throw notFound("ADDRESS_NOT_FOUND", "There is no such address.");
  return address;
}

/** Throws 409 ADDRESS_LIMIT. */
export function addAddress(addresses: Address[], { isDefault = false, ...fields }: NewAddress): Address[] {
  if (addresses.length >= MAX_ADDRESSES)
    throw conflict("ADDRESS_LIMIT", `An account holds at most ${MAX_ADDRESSES} addresses.`);
  return withDefault([...addresses, { ...fields, isDefault }], isDefault ? fields.id : defaultOf(addresses));
}

/** A default that no longer wants to be it hands over to the first other one. Throws 404 ADDRESS_NOT_FOUND. */
export function changeAddress(addresses: Address[], id: string, change: AddressChange): Address[] {
  const { isDefault, ...fields } = change;
  const before = findAddress(addresses, id);
  const merged = Object.entries({ ...before, ...fields }).filter(([, value]) => value !== undefined && value !== null);
  const changed = addresses.map((address) => (address === before ? (Object.fromEntries(merged) as Address) : address));
  const others = addresses.filter((address) => address !== before);
  if (isDefault) return withDefault(changed, id);
  return withDefault(changed, isDefault === false && before.isDefault ? (others[0]?.id ?? id) : defaultOf(addresses));
}

/** Throws 404 ADDRESS_NOT_FOUND. */
export function removeAddress(addresses: Address[], id: string): Address[] {
  const removed = findAddress(addresses, id);
  return withDefault(
    addresses.filter((address) => address !== removed),
    defaultOf(addresses),
  );
}
