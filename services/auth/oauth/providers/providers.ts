import type { Environment } from "../../../../lib/environment";
import { PROVIDER_IDS, type ProviderId } from "../../../../lib/environment-providers";
import { notFound } from "../../../../lib/errors";
import { google } from "./google";
import { kakao } from "./kakao";
import { naver } from "./naver";
import { oidc } from "./oidc";
import type { Provider } from "./provider";

const KINDS = { kakao, naver, google, oidc };

/** The providers that this shop is a client of. */
export class Providers {
  /** In the order in which people are shown them. */
  readonly all: readonly Provider[];

  constructor(oauth: Environment["oauth"]) {
    this.all = PROVIDER_IDS.flatMap((id) => {
      const client = oauth.clients[id];
      return client ? [KINDS[id](client, oauth)] : [];
    });
  }

  /** Throws 404 PROVIDER_NOT_FOUND. */
  find(id: string): Provider {
    const provider = this.all.find((candidate) => candidate.id === id);
    if (!provider) throw notFound("PROVIDER_NOT_FOUND", "One cannot sign in with this provider here.");
    return provider;
  }

  /** As people know it, also where one can no longer sign in with it. */
  nameOf(id: ProviderId): string {
    return this.all.find((provider) => provider.id === id)?.name ?? id;
  }

  get ids(): ProviderId[] {
    return this.all.map(({ id }) => id);
  }
}
