/** A checkout for people: it posts what they type as any client would and shows the key to pay with. */
export const checkoutPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sandbox checkout</title>
<style>body{font:1rem system-ui;max-width:24rem;margin:3rem auto;padding:0 1rem}label{display:block;margin:1rem 0}
input{width:100%;font:inherit;padding:.4rem;box-sizing:border-box}button{font:inherit;padding:.4rem 1rem}</style>
<h1>Sandbox checkout</h1>
<form>
<label>Order <input name="orderId" required></label>
<label>Amount <input name="amount" type="number" min="1" required></label>
<label>Card <input name="card" value="4242424242424242" inputmode="numeric" required></label>
<button>Pay</button>
</form>
<p role="status"></p>
<script>
const form = document.forms[0];
const given = new URLSearchParams(location.search);
for (const name of ["orderId", "amount"]) form.elements[name].value = given.get(name) ?? "";
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { orderId, amount, card } = Object.fromEntries(new FormData(form));
  const body = JSON.stringify({ orderId, amount: Number(amount), card });
  const headers = { "Content-Type": "application/json" };
  const answer = await (await fetch(location.pathname, { method: "POST", headers, body })).json();
  document.querySelector("[role=status]").textContent = answer.paymentKey ?? answer.message;
});
</script>
</html>
`;
