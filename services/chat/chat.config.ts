import { declareConfig, key, type Settings } from "../../lib/config/declaration";
import { Type } from "../../lib/schema";

export const chatConfig = declareConfig("chat", {
  capacity: key("chat.capacity", Type.Integer({ minimum: 1, maximum: 20 }), {
    default: 5,
    unit: "conversations",
    description: "What an agent has at once who never chose a capacity",
  }),
});

export type ChatSettings = Settings<typeof chatConfig>;
