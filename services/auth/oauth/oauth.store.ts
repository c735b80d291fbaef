import type { Environment } from "../../../lib/environment";
import { PROVIDER_IDS } from "../../../lib/environment-providers";
import type { Index, Store } from "../../../lib/store/collection";
import type { Credentials } from "../credentials";
import { type FlowDocument, Flows } from "./flows";
import { Links } from "./links";

/** Indexes of the credentials: a provider's account opens one of ours at most. */
export const linkIndexes = PROVIDER_IDS.map(
  (provider): Index => ({ fields: [`links.${provider}.subject`], unique: true, sparse: true }),
);

/** What is kept of providers, and the objects that read and write it. */
export function oauthStore(store: Store, credentials: Credentials, { jwt, leaseMs }: Environment) {
  const flows = store.collection<FlowDocument>("auth", { name: "flows", indexes: [{ fields: ["expiresAt"] }] });
  return { flows: new Flows(flows, jwt.keySecret), links: new Links(credentials, leaseMs) };
}
