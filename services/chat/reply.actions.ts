import type { ActionSchema } from "moleculer";
import { action } from "../../lib/actions";
import { Nothing, type Static } from "../../lib/schema";
import { HELPERS } from "./access";
import * as schema from "./chat.schema";
import type { Reply, ReplyStore } from "./reply.store";

const toView = ({ _id: id, shortcut, title, text }: Reply): Static<typeof schema.CannedReply> => ({
  id,
  shortcut,
  title,
  text,
});

/** Canned replies: any agent may use and keep them. */
export function replyActions(replies: ReplyStore): Record<string, ActionSchema> {
  return {
    replies: action({
      rest: "GET /canned-replies",
      access: HELPERS,
      summary: "What agents say often, by shortcut",
      retryable: true,
      params: schema.NoParams,
      returns: schema.CannedReplies,
      handler: async () => ({ items: (await replies.all()).map(toView) }),
    }),

    addReply: action({
      rest: "POST /canned-replies",
      access: HELPERS,
      summary: "Adds a canned reply",
      params: schema.AddReply,
      returns: schema.CannedReply,
      status: 201,
      errors: [[409, "SHORTCUT_TAKEN"]],
      handler: async ({ params }) => toView(await replies.add(params)),
    }),

    changeReply: action({
      rest: "PATCH /canned-replies/:id",
      access: HELPERS,
      summary: "Changes a canned reply",
      params: schema.ChangeReply,
      returns: schema.CannedReply,
      errors: [
        [404, "REPLY_NOT_FOUND"],
        [409, "SHORTCUT_TAKEN"],
      ],
      async handler({ params: { id, ...fields } }) {
        return toView(await replies.change(id, fields));
      },
    }),

    removeReply: action({
      rest: "DELETE /canned-replies/:id",
      access: HELPERS,
      summary: "Removes a canned reply",
      params: schema.ById,
      returns: Nothing,
      status: 204,
      errors: [[404, "REPLY_NOT_FOUND"]],
      async handler({ params }) {
        await replies.remove(params.id);
        return null;
      },
    }),
  };
}
