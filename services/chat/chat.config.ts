import { declareConfig, key, type Settings } from "../../lib/config/declaration";
import { Type } from "../../lib/schema";
import { HoursSchema } from "./hours";

export const chatConfig = declareConfig("chat", {
  capacity: key("chat.capacity", Type.Integer({ minimum: 1, maximum: 20 }), {
    default: 5,
    unit: "conversations",
    description: "What an agent has at once who never chose a capacity",
  }),
  hours: key("chat.hours", HoursSchema, {
    default: "off",
    description: "When somebody is there to help; at other times who waits is told when that will be",
  }),
});

export type ChatSettings = Settings<typeof chatConfig>;
