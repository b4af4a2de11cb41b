/* Pages that people print: a PDF writer for plain pages, and the recovery kit. */
export { kitPdf, kitPdfText } from './kit/kit-pdf.ts';
export type { KitLanguage, KitPage } from './kit/kit-pdf.ts';
export { PdfPage } from './pdf/page.ts';
export type { PdfFont, TextStyle } from './pdf/page.ts';
export { pdfDocument } from './pdf/document.ts';
export type { PdfDocument } from './pdf/document.ts';
