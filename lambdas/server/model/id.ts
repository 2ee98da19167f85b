import * as z from "zod/mini";
import { checked } from "./fields.ts";

/** An id or a room name: 1–128 characters, none of them a control character. */
export const Id = checked(
  z.string(),
  z.minLength(1),
  z.maxLength(128),
  z.refine((id) => id.isWellFormed() && !/\p{Cc}/u.test(id), "must not contain control characters"),
);
