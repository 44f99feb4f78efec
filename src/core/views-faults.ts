/** Pages that a fault of ours spoils, by their paths: each with what was thrown first. */
export type Spoiled = Map<string, unknown>;

/**
 * What several pages are made of. A fault in it spoils the pages that are about it, and `otherwise` stands on all the others: one check
 * that cannot be shown costs nobody else a page.
 */
export function attempt<T>(spoiled: Spoiled, pages: () => string[], make: () => T, otherwise: () => T): T {
  try {
    return make();
  } catch (error) {
    for (const page of pages()) if (!spoiled.has(page)) spoiled.set(page, error);
    return otherwise();
  }
}

/** A page that needs to be made again only when its key is another. */
export interface Keyed<View> {
  key: string;
  make(): View;
}

/** Where its key cannot be made the page cannot: it is the page's own fault, and thrown when the page is made. */
export function toKeyed<View>(key: () => string, make: () => View): Keyed<View> {
  try {
    return { key: key(), make };
  } catch (error) {
    return {
      key: '',
      make: () => {
        throw error;
      },
    };
  }
}
