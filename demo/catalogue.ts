/** The demo shop's products; the same at every start. */
export type Product = { readonly handle: string; readonly title: string; readonly price: string; readonly description: string };

const NAMES = ["Alder Daypack", "Birch Camp Mug", "Cedar Rain Shell", "Dune Sun Hat", "Ember Headlamp", "Fjord Wool Sweater"];

export const PRODUCTS: readonly Product[] = NAMES.map((title, index) => ({
  handle: title.toLowerCase().replaceAll(" ", "-"),
  title,
  price: (19 + index * 12).toFixed(2),
  description: `The ${title} is light, repairable and made to be carried every day.`,
}));

/** The pages buyers of the demo look at. */
export const PAGES: readonly string[] = ["/", "/collections/all", ...PRODUCTS.map((one) => `/products/${one.handle}`)];
