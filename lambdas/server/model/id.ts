import * as z from "zod/mini";
import { checked } from "./fields.ts";

/** Characters of an id. */
export const MAX_ID = 128;

/** An id or a room name: 1–128 characters, none of them a control character. */
export const Id = checked(
  z.string(),
  z.minLength(1),
  z.maxLength(MAX_ID),
  z.refine((id) => id.isWellFormed() && !/\p{Cc}/u.test(id), "must not contain control characters"),
);
