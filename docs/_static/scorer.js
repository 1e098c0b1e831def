// A page or a section whose title has all that was typed comes before pages that have its words somewhere.
// Sphinx puts this into searchtools.js. All numbers but the last are its own.
var Scorer = {
    objNameMatch: 11,
    objPartialMatch: 6,
    objPrio: {0: 15, 1: 5, 2: -5},
    objPrioDefault: 0,
    title: 15,
    partialTitle: 7,
    term: 5,
    partialTerm: 2,
    score: ([, title, , , score]) => {
        const typed = new URLSearchParams(window.location.search).get("q") || "";
        return score + (title.toLowerCase().includes(typed.trim().toLowerCase()) ? 10 : 0);
    },
};
