import type { Role } from "../../lib/actions";
import type { Delivery } from "../../services/api/api.contract";
import { deliver, roomsOf } from "../../services/api/deliveries";

const here: [id: string, roles: Role[]][] = [
  ["kim", ["customer"]],
  ["lee", ["agent"]],
  ["park", ["customer", "agent"]],
  ["choi", ["admin"]],
];

/** Who of these is told. */
function toldBy(to: Delivery["to"]): string[] {
  const rooms = new Set<string>();
  const outlet = {
    emit(addressed: string[]) {
      for (const room of addressed) rooms.add(room);
    },
  };
  deliver([outlet], { to, event: "chat.message", payload: {} }, () => here.map(([id]) => id));
  return here.flatMap(([id, roles]) => (roomsOf({ id, roles, sid: "s" }).some((room) => rooms.has(room)) ? id : []));
}

describe("what is told", () => {
  test.each<[whom: string, to: Delivery["to"], told: string[]]>([
    ["users reaches those who are named", { users: ["kim", "away"] }, ["kim"]],
    ["nobody reaches nobody", { users: [] }, []],
    ["agents reaches all who help", { role: "agent" }, ["lee", "park", "choi"]],
    ["agents except nobody reaches all of them", { role: "agent", except: [] }, ["lee", "park", "choi"]],
    ["agents except some reaches the others", { role: "agent", except: ["park", "kim"] }, ["lee", "choi"]],
    ["agents except all of them reaches nobody", { role: "agent", except: ["lee", "park", "choi"] }, []],
  ])("%s", (_, to, told) => expect(toldBy(to)).toEqual(told));
});
