/** The resumable uploads of a share. */
import { Shelf } from "./shelf.ts";
import { Turns } from "./turn.ts";

export class Uploads {
  readonly shelf: Shelf;
  readonly turns = new Turns();

  /** `root` is the real path of the share. */
  constructor(root: string) {
    this.shelf = new Shelf(root);
  }
}
