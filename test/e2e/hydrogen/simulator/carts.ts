/**
 * Carts in memory, in the shapes of the Storefront schema.
 *
 * Identifiers are derived from a counter: the n-th cart of a fresh simulator is
 * always the same. The secret key in a cart's id is not checked.
 */
import { createHash } from "node:crypto";
import type { Variant } from "./goods.ts";
import { variantNode, variantsOf } from "./goods.ts";
import { OPENING_DAY } from "./catalog.ts";
import type { Market, Node, PageArgs, Resolver, Shop } from "./values.ts";
import { connection, money } from "./values.ts";

/** The oldest cart is forgotten beyond this many. */
const MAX_CARTS = 10_000;

type Attributes = readonly { readonly key: string; readonly value: string }[];
type Line = { readonly id: string; readonly variant: Variant; quantity: number; readonly attributes: Attributes };
type DiscountCode = { readonly code: string; readonly applicable: boolean };

type Cart = {
  readonly id: string;
  readonly token: string;
  readonly key: string;
  lines: Line[];
  /** Lines ever added; the source of line ids. */
  lineCount: number;
  /** Edits so far; `updatedAt` moves a second with each. */
  edits: number;
  note: string | null;
  attributes: Attributes;
  discountCodes: readonly DiscountCode[];
  buyerIdentity: Readonly<Record<string, unknown>>;
};

type LineInput = { readonly merchandiseId: string; readonly quantity?: number | null; readonly attributes?: Attributes | null };
type CartInput = {
  readonly lines?: readonly LineInput[] | null;
  readonly note?: string | null;
  readonly attributes?: Attributes | null;
  readonly discountCodes?: readonly string[] | null;
  readonly buyerIdentity?: Readonly<Record<string, unknown>> | null;
};
type UserError = { readonly message: string; readonly field: readonly string[] | null; readonly code: string };
type OnCart<A> = (cart: Cart, args: A) => readonly UserError[] | void;

export type Carts = {
  /** Root fields: the `cart` query and the cart mutations. */
  readonly fields: Readonly<Record<string, Resolver>>;
  readonly count: () => number;
  readonly clear: () => void;
};

export function createCarts(shop: Shop): Carts {
  const carts = new Map<string, Cart>();
  let created = 0;

  const find = (id: string | null | undefined): Cart | undefined => carts.get((id ?? "").split("?")[0] ?? "");
  const edit =
    <A extends { readonly cartId: string }>(change: OnCart<A>) =>
    (args: A, market: Market): Node => {
      const cart = find(args.cartId);
      if (!cart) return payload(null, [userError("The specified cart does not exist.", ["cartId"])]);
      const errors = change(cart, args) ?? [];
      cart.edits += 1;
      return payload(cartNode(shop, cart, market), errors);
    };
  const create = ({ input }: { readonly input?: CartInput | null }, market: Market): Node => {
    created += 1;
    const cart = newCart(created, input ?? {});
    const [oldest] = carts.keys();
    if (carts.size >= MAX_CARTS && oldest !== undefined) carts.delete(oldest);
    carts.set(cart.id.split("?")[0] ?? cart.id, cart);
    const errors = addLines(shop, cart, input?.lines ?? []);
    return payload(cartNode(shop, cart, market), errors);
  };

  return {
    fields: {
      cart: ({ id }: { readonly id: string }, market: Market) => {
        const cart = find(id);
        return cart ? cartNode(shop, cart, market) : null;
      },
      cartCreate: create,
      ...edits(shop, edit),
    },
    count: () => carts.size,
    clear: () => {
      carts.clear();
      created = 0;
    },
  };
}

type Edit = <A extends { readonly cartId: string }>(change: OnCart<A>) => (args: A, market: Market) => Node;

function edits(shop: Shop, edit: Edit): Record<string, Resolver> {
  return {
    cartLinesAdd: edit((cart, { lines }: { cartId: string; lines: readonly LineInput[] }) => addLines(shop, cart, lines)),
    cartLinesUpdate: edit((cart, { lines }: { cartId: string; lines: readonly { id: string; quantity?: number | null }[] }) => {
      for (const { id, quantity } of lines) {
        const line = cart.lines.find((candidate) => candidate.id === id);
        if (line && typeof quantity === "number") line.quantity = quantity;
      }
      cart.lines = cart.lines.filter(({ quantity }) => quantity > 0);
    }),
    cartLinesRemove: edit((cart, { lineIds }: { cartId: string; lineIds: readonly string[] }) => {
      cart.lines = cart.lines.filter(({ id }) => !lineIds.includes(id));
    }),
    cartDiscountCodesUpdate: edit((cart, { discountCodes }: { cartId: string; discountCodes?: readonly string[] | null }) => {
      cart.discountCodes = applied(discountCodes ?? []);
    }),
    cartBuyerIdentityUpdate: edit((cart, { buyerIdentity }: { cartId: string; buyerIdentity: Readonly<Record<string, unknown>> }) => {
      cart.buyerIdentity = { ...cart.buyerIdentity, ...buyerIdentity };
    }),
    cartNoteUpdate: edit((cart, { note }: { cartId: string; note: string }) => {
      cart.note = note;
    }),
    cartAttributesUpdate: edit((cart, { attributes }: { cartId: string; attributes: Attributes }) => {
      cart.attributes = attributes;
    }),
    cartGiftCardCodesUpdate: edit(() => []),
    cartGiftCardCodesAdd: edit(() => []),
    cartGiftCardCodesRemove: edit(() => []),
  };
}

function newCart(number: number, input: CartInput): Cart {
  const digest = (text: string, length: number): string => createHash("sha256").update(text).digest("hex").slice(0, length);
  const token = digest(`cart-${number}`, 20);
  const key = digest(`key-${number}`, 16);
  return {
    id: `gid://shopify/Cart/${token}?key=${key}`,
    token,
    key,
    lines: [],
    lineCount: 0,
    edits: 1,
    note: input.note ?? null,
    attributes: input.attributes ?? [],
    discountCodes: applied(input.discountCodes ?? []),
    buyerIdentity: input.buyerIdentity ?? {},
  };
}

/** Adds what exists, adding to a line of the same variant; says what does not exist. */
function addLines({ catalog }: Shop, cart: Cart, lines: readonly LineInput[]): readonly UserError[] {
  const variants = catalog.products.flatMap(variantsOf);
  return lines.flatMap(({ merchandiseId, quantity, attributes }, index) => {
    const variant = variants.find(({ id }) => id === merchandiseId);
    if (!variant) {
      const field = ["input", "lines", String(index), "merchandiseId"];
      return [userError(`The merchandise with id ${merchandiseId} does not exist.`, field)];
    }
    const same = cart.lines.find((line) => line.variant.id === variant.id);
    if (same) {
      same.quantity += quantity ?? 1;
      return [];
    }
    cart.lineCount += 1;
    const id = `gid://shopify/CartLine/${cart.token}-${cart.lineCount}?cart=${cart.token}`;
    cart.lines.push({ id, variant, quantity: quantity ?? 1, attributes: attributes ?? [] });
    return [];
  });
}

/** `SAVE10` takes 10 % off; every other code is known and not applicable. */
function applied(codes: readonly string[]): readonly DiscountCode[] {
  return codes.filter(Boolean).map((code) => ({ code, applicable: code.toUpperCase() === "SAVE10" }));
}

function userError(message: string, field: readonly string[]): UserError {
  return { message, field, code: "INVALID" };
}

function payload(cart: Node | null, userErrors: readonly UserError[] = []): Node {
  return { cart, userErrors, warnings: [] };
}

function cartNode(shop: Shop, cart: Cart, market: Market): Node {
  const stated = cart.buyerIdentity["countryCode"];
  const country = typeof stated === "string" ? stated : market.country;
  const subtotal = cart.lines.reduce((sum, { variant, quantity }) => sum + variant.cents * quantity, 0);
  const total = cart.discountCodes.some(({ applicable }) => applicable) ? subtotal * 0.9 : subtotal;
  return {
    __typename: "Cart",
    id: cart.id,
    checkoutUrl: `https://sim-shop.example/cart/c/${cart.token}?key=${cart.key}`,
    totalQuantity: cart.lines.reduce((sum, { quantity }) => sum + quantity, 0),
    createdAt: OPENING_DAY,
    updatedAt: new Date(Date.parse(OPENING_DAY) + cart.edits * 1000).toISOString(),
    note: cart.note,
    attributes: cart.attributes,
    appliedGiftCards: [],
    discountAllocations: [],
    discountCodes: cart.discountCodes,
    metafields: [],
    buyerIdentity: { ...cart.buyerIdentity, countryCode: country, customer: null },
    lines: (args: PageArgs) => connection(cart.lines.map((line) => lineNode(shop, line, { ...market, country })), args),
    delivery: { addresses: [] },
    deliveryGroups: (args: PageArgs) => connection([], args),
    cost: {
      subtotalAmount: money(subtotal, country),
      totalAmount: money(total, country),
      checkoutChargeAmount: money(total, country),
      subtotalAmountEstimated: true,
      totalAmountEstimated: true,
    },
  };
}

function lineNode(shop: Shop, { id, quantity, attributes, variant }: Line, market: Market): Node {
  const all = money(variant.cents * quantity, market.country);
  return {
    __typename: "CartLine",
    id,
    quantity,
    attributes,
    discountAllocations: [],
    merchandise: variantNode(shop, variant, market),
    cost: { amountPerQuantity: money(variant.cents, market.country), subtotalAmount: all, totalAmount: all },
  };
}
