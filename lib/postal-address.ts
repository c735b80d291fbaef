import { ShownText, type Static, Strict, Type } from "./schema";

/** A postal address as a customer's book has it and an order keeps it. */
export const postalAddressFields = {
  recipient: ShownText(100),
  phone: Type.String({ pattern: "^\\+?[0-9](?:[ ().-]?[0-9]){5,17}$", maxLength: 32, description: "6 to 18 digits" }),
  postalCode: Type.String({ pattern: "^[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){1,9}$", maxLength: 20 }),
  line1: ShownText(200),
  line2: Type.Optional(ShownText(200)),
  city: Type.Optional(ShownText(100)),
  country: Type.String({ format: "iso-3166-alpha-2", description: "ISO 3166-1 alpha-2, in capitals" }),
};

export const PostalAddress = Strict(postalAddressFields);
export type PostalAddress = Static<typeof PostalAddress>;
