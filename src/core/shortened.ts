/** A text of at most so many characters, and an ellipsis where it was longer: whoever conceals secrets finds a cut by it. */
export function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
