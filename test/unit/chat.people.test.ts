import type { Call } from "../../lib/actions";
import { notFound, unavailable } from "../../lib/errors";
import { peopleOf } from "../../services/chat/people";

/** `user`, as it answers now. */
let answer: () => string;
const call = (async () => ({ name: answer() })) as unknown as Call;

it("keeps a name, asks for it again after a while, and goes on with the last one where nobody answers", async () => {
  const people = peopleOf(0);
  answer = () => "Kim";
  expect(await people(call, "u1")).toEqual({ id: "u1", name: "Kim" });
  answer = () => "Gim";
  expect(await people(call, "u1")).toEqual({ id: "u1", name: "Gim" });
  answer = () => {
    throw unavailable("SERVICE_UNAVAILABLE", "away");
  };
  expect(await people(call, "u1")).toEqual({ id: "u1", name: "Gim" });
  // Of somebody else it knows nothing.
  await expect(people(call, "u2")).rejects.toMatchObject({ code: 503 });
});

it("forgets nobody's end: who is not there is no one", async () => {
  const people = peopleOf(0);
  answer = () => "Kim";
  await people(call, "u1");
  answer = () => {
    throw notFound("USER_NOT_FOUND", "gone");
  };
  await expect(people(call, "u1")).rejects.toMatchObject({ type: "USER_NOT_FOUND" });
});
