/** An amount in the currency's minor unit (KRW has none below the won) with its ISO 4217 code. */
export interface Money {
  amount: number;
  currency: string;
}

export const CURRENCY = "KRW";

export const won = (amount: number): Money => ({ amount, currency: CURRENCY });
export const times = (money: Money, quantity: number): Money => ({ ...money, amount: money.amount * quantity });
export const sum = (all: Money[]): Money => won(all.reduce((total, one) => total + one.amount, 0));
export const sameMoney = (a: Money, b: Money) => a.amount === b.amount && a.currency === b.currency;
