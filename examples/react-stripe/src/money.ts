// Amounts are whole minor units (cents); how many digits those are is a matter of ISO 4217.
// Intl's own digits are those that people write: none for PKR or IDR, whose amounts have two.
const WITHOUT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
const WITH_THREE = "BHD IQD JOD KWD LYD OMR TND";

export function money(minor: number, currency: string): string {
  const digits = WITHOUT.includes(currency) ? 0 : WITH_THREE.includes(currency) ? 3 : 2;
  const shown = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency, ...shown });
  return format.format(minor / 10 ** digits);
}
