import type { ServiceBroker } from "moleculer";
import ApiGateway from "moleculer-web";

/** What is used here of a route that moleculer-web made from an action's declaration. */
export interface Alias {
  action?: string;
  path: string;
  method: string;
  route: unknown;
  _generated?: boolean;
}

interface Gateway {
  broker: ServiceBroker;
  aliases: Alias[];
}

interface AliasMethods {
  regenerateAutoAliases(this: Gateway, route: unknown): void;
  resolveAlias(this: Gateway, url: string, method?: string): unknown;
}

// moleculer-web's types leave its methods out.
const theirs = (ApiGateway as unknown as { methods: AliasMethods }).methods;
const serviceOf = (alias: Alias) => alias.action?.slice(0, alias.action.lastIndexOf("."));

/** moleculer-web's methods, with routes that outlive their service and HEAD wherever there is GET. */
export const aliasMethods: AliasMethods = {
  /** A route whose service is away stays, so that clients hear "not now" (503) and not "there is no such thing" (404). */
  regenerateAutoAliases(route) {
    const before = this.aliases.filter((alias) => alias.route === route && alias._generated);
    theirs.regenerateAutoAliases.call(this, route);
    const there = new Set(this.aliases.map(serviceOf));
    this.aliases.push(...before.filter((alias) => !there.has(serviceOf(alias))));
  },

  resolveAlias(url, method) {
    return theirs.resolveAlias.call(this, url, method === "HEAD" ? "GET" : method);
  },
};
