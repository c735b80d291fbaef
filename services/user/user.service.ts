import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action, callerOf, callOf, type ShopContext } from "../../lib/actions";
import { newId } from "../../lib/ids";
import { nodeOf } from "../../lib/node";
import { PostalAddress } from "../../lib/postal-address";
import { Nothing } from "../../lib/schema";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { sweeperMixin } from "../../mixins/sweeper.mixin";
import { addAddress, changeAddress, findAddress, removeAddress } from "./addresses";
import { adminActions } from "./admin.actions";
import { followUp } from "./follow-up";
import * as schema from "./user.schema";
import { toView, type UserDocument, userStore } from "./user.store";

export default function userService(broker: ServiceBroker): ServiceSchema {
  const { environment, store: nodeStore } = nodeOf(broker);
  const store = userStore(nodeStore, environment.leaseMs);

  /** Tries at once; what cannot be done now is kept in the document and the sweeper's. */
  const tryFollowUp = (user: UserDocument, ctx: ShopContext) =>
    followUp(user, ctx, store).catch((error: unknown) => {
      broker.logger.warn({ err: error, userId: user._id }, "a change of a user will be followed up later");
    });

  return {
    name: "user",
    mixins: [
      sweeperMixin({
        collection: store.users,
        leaseMs: environment.leaseMs,
        handle: (user) => followUp(user, { call: callOf(broker) }, store),
      }),
      collectionsMixin(store.users),
    ],
    settings: { rest: "/" },

    actions: {
      create: action({
        params: schema.CreateUser,
        returns: schema.User,
        handler: async ({ params: { id, ...user } }) => toView(await store.create({ _id: id, ...user })),
      }),

      find: action({
        params: schema.ById,
        returns: schema.User,
        retryable: true,
        handler: async ({ params }) => toView(await store.find(params.id)),
      }),

      verifyEmail: action({
        params: schema.VerifyEmail,
        returns: Nothing,
        retryable: true,
        async handler({ params: { id, email } }) {
          await store.verifyEmail(id, email);
          return null;
        },
      }),

      address: action({
        params: schema.AddressOf,
        returns: PostalAddress,
        retryable: true,
        async handler({ params }) {
          const { addresses } = await store.find(params.userId);
          const { id: _, isDefault: __, ...address } = findAddress(addresses, params.addressId);
          return address;
        },
      }),

      me: action({
        rest: "GET /users/me",
        access: "signed-in",
        summary: "The profile of whoever is signed in",
        params: schema.NoParams,
        returns: schema.User,
        handler: async (ctx) => toView(await store.find(callerOf(ctx).id)),
      }),

      changeMe: action({
        rest: "PATCH /users/me",
        access: "signed-in",
        summary: "Changes one's own profile",
        params: schema.ChangeMe,
        returns: schema.User,
        async handler(ctx) {
          const { id } = callerOf(ctx);
          const name = ctx.params.name?.trim();
          return toView(name === undefined ? await store.find(id) : await store.change(id, { $set: { name } }));
        },
      }),

      eraseMe: action({
        rest: "DELETE /users/me",
        access: "signed-in",
        summary: "Erases one's personal data and ends every session; orders stay, anonymous",
        params: schema.NoParams,
        returns: Nothing,
        status: 204,
        async handler(ctx) {
          const user = await store.erase(callerOf(ctx).id);
          await ctx.call("auth.erase", { userId: user._id });
          await tryFollowUp(user, ctx);
          return null;
        },
      }),

      addresses: action({
        rest: "GET /users/me/addresses",
        access: "signed-in",
        summary: "One's own addresses",
        params: schema.NoParams,
        returns: schema.Addresses,
        handler: async (ctx) => ({ items: (await store.find(callerOf(ctx).id)).addresses }),
      }),

      addAddress: action({
        rest: "POST /users/me/addresses",
        access: "signed-in",
        summary: "Adds an address; the first one is the default",
        params: schema.AddAddress,
        returns: schema.Address,
        status: 201,
        errors: [[409, "ADDRESS_LIMIT"]],
        async handler(ctx) {
          const added = { id: newId(), ...ctx.params };
          const addresses = await store.editAddresses(callerOf(ctx).id, (held) => addAddress(held, added));
          return findAddress(addresses, added.id);
        },
      }),

      changeAddress: action({
        rest: "PATCH /users/me/addresses/:id",
        access: "signed-in",
        summary: "Changes an address; `isDefault` true takes over from the one that was the default",
        params: schema.ChangeAddress,
        returns: schema.Address,
        errors: [[404, "ADDRESS_NOT_FOUND"]],
        async handler(ctx) {
          const { id, ...change } = ctx.params;
          const addresses = await store.editAddresses(callerOf(ctx).id, (held) => changeAddress(held, id, change));
          return findAddress(addresses, id);
        },
      }),

      removeAddress: action({
        rest: "DELETE /users/me/addresses/:id",
        access: "signed-in",
        summary: "Removes an address; where it was the default, the first other one is it",
        params: schema.ById,
        returns: Nothing,
        status: 204,
        errors: [[404, "ADDRESS_NOT_FOUND"]],
        async handler(ctx) {
          await store.editAddresses(callerOf(ctx).id, (held) => removeAddress(held, ctx.params.id));
          return null;
        },
      }),

      ...adminActions(store, tryFollowUp),
    },
  };
}
